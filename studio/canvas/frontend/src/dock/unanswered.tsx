/** What Python was asked for did not come: said where it would stand, with a way to ask again. */
export function Unanswered({ again }: { again: () => void }) {
  return (
    <p className="pb-problem warning" role="status">
      The studio does not answer.{" "}
      <button type="button" className="pb-link" onClick={again}>
        Ask again
      </button>
    </p>
  );
}
