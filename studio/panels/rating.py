"""Rating the answers of an experiment: two side by side, several in order, or one on a scale."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import streamlit as st

from patchbay.flows.experiments.agreement import in_words
from patchbay.flows.experiments.judged import judged_preferences, judges_of
from patchbay.flows.experiments.keeping import KeptCase, KeptCells
from patchbay.flows.experiments.plan import read_plan
from patchbay.flows.experiments.ratings import (
    SCALE,
    Rating,
    RatingForm,
    Ratings,
    agreement_of,
    preference_rows,
    scale_rows,
)
from patchbay.flows.problems import FlowError
from patchbay.flows.wording import plural
from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.private import private_folder
from patchbay.nodes.values import as_text
from patchbay.studio.documents.library import slug
from patchbay.studio.plain_text import plain
from patchbay.studio.server import session
from patchbay.studio.server.services import services
from patchbay.studio.views.live import words

FORMS: Mapping[RatingForm, str] = {
    "pair": "Two side by side", "ranking": "Several in order", "scale": "One on a scale",
}  # fmt: skip
BATCH = 200
"""Cases that are read at a time."""
Letters = Literal["A", "B", "C", "D", "E", "F"]


def rating_page(summary: Mapping[str, Any], kept: KeptCells, key: str) -> None:
    """Draw the next answers that this person has not rated, and what was said so far.

    Args:
        summary: of the experiment, as it was kept.
        kept: the experiment.
        key: unique on the page.
    """
    ratings = Ratings(kept)
    names = {one["key"]: one["name"] for one in summary["variants"]}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        form: RatingForm = st.segmented_control(
            "How", list(get_args(RatingForm)), default="pair", required=True, key=f"{key}:form",
            format_func=lambda one: FORMS[one],
        )  # fmt: skip
        rater = st.text_input("Who rates", "me", key=f"{key}:rater", max_chars=60, width=180)
    least, most = {"pair": (2, 2), "ranking": (3, 6), "scale": (1, 6)}[form]
    chosen = st.multiselect(
        "Answers of", list(names), list(names)[: max(least, min(most, len(names)))],
        key=f"{key}:of:{form}", format_func=lambda one: names[one], max_selections=most,
    )  # fmt: skip
    if len(chosen) < least or not (rater or "").strip():
        st.caption(f"Choose {plural(least, 'variant')} or more, and say who you are.")
    else:
        given = ratings.all()
        item = _next(kept, form, chosen, given, rater.strip())
        if item is None:
            st.success("All of them are rated.")
        else:
            _ask(ratings, form, item, rater.strip(), key)
    _so_far(ratings, form, kept, key)
    _judged(kept, list(names), key)


RatedItem = tuple[str, tuple[str, ...]]
"""A prompt, and the answers to it that differ."""


def _next(
    kept: KeptCells, form: RatingForm, variants: Sequence[str], given: Sequence[Rating], rater: str
) -> RatedItem | None:
    """The first that this person has not rated."""
    done = {one.item for one in given if one.rater == rater}
    first = 1
    while True:
        cases = kept.page(variants, first, BATCH)
        for case in cases:
            for item in _items(form, case):
                if (form, *item) not in done:
                    return item
        if len(cases) < BATCH:
            return None
        first = cases[-1].number + 1


def _items(form: RatingForm, case: KeptCase) -> list[RatedItem]:
    """What there is to rate of a case; equal answers say nothing, and are shown once or not."""
    prompt = "\n".join(as_text(value) for value in case.inputs.values())
    said = [as_text(cell.output) for cell in case.cells if cell is not None and not cell.error]
    distinct = tuple(sorted(set(said)))
    if form == "scale":
        return [(prompt, (answer,)) for answer in distinct]
    least = 2 if form == "pair" else 3
    return [(prompt, distinct)] if len(distinct) >= least else []


def _ask(ratings: Ratings, form: RatingForm, item: RatedItem, rater: str, key: str) -> None:
    prompt, answers = item
    mark = session.short_key(json.dumps([form, *item]))
    with st.container(border=True, key=f"{key}:prompt"):
        st.caption("Asked")
        words(prompt, f"{key}:asked:{mark}")
    if form == "scale":
        with st.container(border=True, key=f"{key}:answer"):
            words(answers[0], f"{key}:one:{mark}")
        with st.container(horizontal=True, gap="small"):
            for number in SCALE:
                st.button(
                    str(number), key=f"{key}:scale:{number}:{mark}", shortcut=str(number),
                    on_click=_keep, args=(ratings, form, item, (number,), rater, key),
                    help={1: "Bad", 5: "Good"}.get(number),
                )  # fmt: skip
        st.caption("1 is bad, 5 is good; the keys 1 to 5 work as well.")
        return
    order = _order(len(answers), f"{rater}{mark}")
    ranked: list[int] = session.recall(f"{key}:ranked:{mark}", [])
    columns = st.columns(len(answers)) if len(answers) < 4 else [st.container() for _ in answers]
    for shown, (column, place) in enumerate(zip(columns, order, strict=True)):
        letter = get_args(Letters)[shown]
        with column, st.container(border=True, key=f"{key}:answer:{letter}"):
            st.caption(letter)
            words(answers[place], f"{key}:said:{place}:{mark}")
            if form == "pair":
                st.button(
                    f"{letter} is better", key=f"{key}:better:{letter}:{mark}",
                    shortcut=str(shown + 1), on_click=_keep,
                    args=(ratings, form, item, (place,), rater, key), width="stretch",
                )  # fmt: skip
            else:
                _rank(ratings, item, rater, key, mark, ranked, place, letter)
    if form == "pair":
        st.button("Neither is better", key=f"{key}:tie:{mark}", shortcut="3", on_click=_keep,
                  args=(ratings, form, item, (), rater, key))  # fmt: skip
        st.caption("The keys 1, 2 and 3 work as well. Which one is shown first is drawn.")
    else:
        st.caption("Press the best first, then the next best.")


def _rank(
    ratings: Ratings, item: RatedItem, rater: str, key: str, mark: str, ranked: list[int],
    place: int, letter: str,
) -> None:  # fmt: skip
    if place in ranked:
        st.markdown(f":green-badge[{ranked.index(place) + 1}]")
        return

    def take() -> None:
        now = [*ranked, place]
        if len(now) == len(item[1]) - 1:  # the last one is clear
            now += [other for other in range(len(item[1])) if other not in now]
            session.forget(f"{key}:ranked:{mark}")
            _keep(ratings, "ranking", item, tuple(now), rater, key)
        else:
            session.remember(f"{key}:ranked:{mark}", now)

    st.button(f"{letter} is number {len(ranked) + 1}", key=f"{key}:rank:{letter}:{mark}",
              on_click=take, width="stretch")  # fmt: skip


def _order(count: int, seed: str) -> list[int]:
    """Which answer stands where: drawn, and the same when the page is drawn again."""
    drawn = random.Random(hashlib.sha256(seed.encode()).digest())  # noqa: S311 - no secret
    order = list(range(count))
    drawn.shuffle(order)
    return order


def _keep(
    ratings: Ratings, form: RatingForm, item: RatedItem, said: tuple[int, ...], rater: str, key: str
) -> None:
    session.forget(f"{key}:refused")
    try:
        ratings.add(Rating(form, item[0], item[1], said, rater))
    except FlowError as error:
        session.remember(f"{key}:refused", str(error))


def _so_far(ratings: Ratings, form: RatingForm, kept: KeptCells, key: str) -> None:
    """How many there are, how far people agree, and what becomes of it."""
    if refused := session.recall(f"{key}:refused"):
        st.error(plain(refused))
    given = ratings.all()
    mine = [one for one in given if one.form == form]
    if not mine:
        return
    found = agreement_of(given, form)
    facts = [plural(len(mine), "rating"), f"by {plural(len(found['raters']), 'rater')}"]
    if found["items"]:
        facts.append(f"{found['items']} by two or more")
    st.markdown(f"**So far** :gray[{plain(' · '.join(facts))}]")
    if found["alpha"] is not None:
        more = [f"Krippendorff's alpha {found['alpha']:.2f}: {in_words(found['alpha'])}"]
        for which, name in (("cohen", "Cohen's"), ("fleiss", "Fleiss'")):
            if found[which] is not None:
                more.append(f"{name} kappa {found[which]:.2f}")
        st.markdown(plain(" · ".join(more)))
    rows = scale_rows(given) if form == "scale" else preference_rows(given)
    what = plural(len(rows), "rated answer" if form == "scale" else "preference")
    st.button(
        f"Save {what} for Preference data", key=f"{key}:save", icon=":material/save:",
        on_click=_save, args=(rows, kept.name, form, key), disabled=not rows,
    )  # fmt: skip
    if saved := session.recall(f"{key}:saved:{form}"):
        how = "Set its form to ratings." if form == "scale" else "Its form is pairs."
        st.caption(f"In {plain(saved)}, beside your flows: Read file → Preference data. {how}")


def _judged(kept: KeptCells, variants: Sequence[str], key: str) -> None:
    """What the judge models among the checks prefer, for *Preference data* too."""
    plan = read_plan(kept)
    try:
        judges = judges_of(plan, variants) if plan and variants else []
        rows = judged_preferences(kept, variants, judges) if judges else []
    except FlowError as error:
        st.caption(plain(f"What the judge prefers cannot be told: {error.problems[0].message}"))
        return
    if not judges:
        return
    st.markdown(f"**A judge** :gray[{plain(', '.join(judge.name for judge in judges))}]")
    st.button(
        f"Save {plural(len(rows), 'preference')} of the judge", key=f"{key}:save-judge",
        icon=":material/gavel:", on_click=_save, args=(rows, kept.name, "judge", key),
        disabled=not rows,
    )  # fmt: skip
    if not rows:
        st.caption("It prefers no answer to another yet: run the experiment, or ask another judge.")
    elif saved := session.recall(f"{key}:saved:judge"):
        st.caption(f"In {plain(saved)}, beside your flows: Read file → Preference data.")


def _save(rows: list[dict[str, Any]], name: str, form: str, key: str) -> None:
    folder = services().library.folder / "ratings"
    path = folder / f"{slug(name)}-{form}.jsonl"
    try:
        private_folder(folder)
        write_atomic(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    except OSError as error:
        session.remember(f"{key}:refused", f"It is not saved: {error.strerror or error}.")
        return
    session.remember(f"{key}:saved:{form}", f"ratings/{path.name}")
