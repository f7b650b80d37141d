"""Words in every script: what is asked for is found in what was indexed."""

from __future__ import annotations

import unicodedata

import pytest

from patchbay.nodes.text.words import asked, indexed


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("大学生が学校に行く。", "大学"),
        ("大学生が学校に行く。", "学校"),
        ("我们在北京大学学习中文。", "北京"),
        ("緑の茶を飲む", "茶"),
        ("東京タワーは高い", "タワー"),
        ("ｺｰﾋｰを買う", "コーヒー"),
        ("학교에서 배우다", "학교"),
        ("ฉันเรียนภาษาไทยที่โรงเรียน", "โรงเรียน"),
        ("ຂ້ອຍຮຽນພາສາລາວ", "ພາສາ"),
        ("ខ្ញុំរៀនភាសាខ្មែរ", "ភាសា"),
        ("iPhone15を買う", "iphone15"),
        ("मैं हिन्दी पढ़ता हूँ", "हिन्दी"),
        ("שָׁלוֹם", "שלום"),
        ("Ångström und Müller", "müller"),
        ("ＦＵＬＬ　ｗｉｄｔｈ", "width"),
        ("an eﬃcient oﬃce", "office"),
        ("H₂O", "h2o"),
        ("STRASSE", "Straße"),
        ("Donau\u00addampf", "donaudampf"),
        ("The bees were running.", "bee run"),
        ("Стои́т за́мок на горе́", "замок стоит горе"),
        ("замок", "за́мок"),
        ("в лѐсу сѐ", "лесу се"),
        ("пога̑ча мла̏тити", "погача млатити"),
        ("Ọ̀ṣun ẹ́ja", "ọṣun ẹja"),
        ("ΑΘΗΝΑ", "Αθήνα"),
        ("Ἀθῆναι", "αθηναι"),
        ("مُحَمَّدٌ رَسُولٌ", "محمد رسول"),
        ("أحمد إلى آخر", "احمد الى اخر"),
        ("ٱلرَّحۡمَٰنِ", "الرحمن"),
        ("ܫܠܳܡܳܐ", "ܫܠܡܐ"),
        ("בְּרֵאשִׁית בָּרָא", "בראשית ברא"),
        ("葛\U000e0100城", "葛城"),
        ("left\u200eto\u200fright", "lefttoright"),
        ("İstanbul'da", "istanbul"),
        ("ISPARTA", "ısparta"),
        ("Isparta ve Iğdır", "ısparta ığdır"),
        ("diyarbakır", "DİYARBAKIR"),
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_it_is_found(text: str, query: str, form: str) -> None:
    words = asked(query)
    assert words
    assert set(words) <= set(indexed(unicodedata.normalize(form, text)))


def test_korean_words_are_found_whatever_particle_is_asked_for() -> None:
    assert "학교" in set(asked("학교에")) & set(indexed("학교는 크다"))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("हिन्दी", "हन"),
        ("大学生", "校"),
        ("北京", "東京"),
        ("ภาษา", "ไทย"),
        ("café", "cafe"),
        ("май", "маи"),
        ("ёлка", "елка"),
        ("їжа", "іжа"),
        ("ќе", "ке"),
        ("año", "ano"),
        ("kör", "kor"),
        ("น้ำ", "นำ"),
        ("कि", "क"),
        ("mitãg̃ua", "mitãgua"),
        ("がく", "かく"),
        ("ϊ", "ι"),
    ],
)
def test_it_is_not_found(text: str, query: str) -> None:
    assert not set(asked(query)) <= set(indexed(text))


def test_words_stay_as_they_were_in_latin_letters() -> None:
    assert indexed("Hives, x_1 and C3PO don't naïvely run") == [
        "hive", "x_1", "and", "c3po", "don", "t", "naïv", "run",
    ]  # fmt: skip
