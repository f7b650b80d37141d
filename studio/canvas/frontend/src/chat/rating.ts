// What a person thinks of an answer: a thumb, and a comment where there is one. The same thumb again takes it back.

import { type Around, type Thumb, sent, told } from "./caller";
import { made, refusalElement, sign } from "./parts";

const LONGEST = 4000;

export function thumbsElement(around: Around, run: string, known: Thumb = { rating: 0, comment: "" }): HTMLElement {
  const row = made("span", { class: "thumbs" });
  let now = { ...known };
  const why = made("input", { placeholder: "Why? (Enter sends)", label: "Comment", maxLength: LONGEST, hidden: true });
  const thanks = made("span", { class: "soft" });
  thanks.setAttribute("role", "status");
  const keep = async (next: Thumb): Promise<boolean> => {
    row.querySelector(".bad")?.remove();
    try {
      await told(around, `/runs/${run}/feedback`, sent("POST", next));
    } catch (error) {
      row.append(refusalElement(around, error));
      return false;
    }
    now = next;
    show();
    return true;
  };
  const rate = async (rating: number) => {
    const taken = await keep({ rating: now.rating === rating ? 0 : rating, comment: now.comment });
    thanks.textContent = "";
    if (taken && now.rating) why.focus();
  };
  const thumbs = [
    { rating: 1, button: sign("up", "Good answer", () => void rate(1)) },
    { rating: -1, button: sign("down", "Bad answer", () => void rate(-1)) },
  ];
  const show = () => {
    for (const { rating, button } of thumbs) button.setAttribute("aria-pressed", String(now.rating === rating));
    why.hidden = !now.rating;
    why.value = now.comment;
  };
  why.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    void keep({ rating: now.rating, comment: why.value }).then((kept) => kept && (thanks.textContent = "Thank you."));
  });
  why.addEventListener("change", () => void (why.value !== now.comment && keep({ ...now, comment: why.value })));
  row.append(...thumbs.map(({ button }) => button), why, thanks);
  show();
  return row;
}
