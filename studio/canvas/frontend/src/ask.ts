// Asking Python for what the browser does not hold. What it says stands in studio/inspector/routes.py.

/** What is told at an address, or (`init`) in answer to what is sent there; null where nothing is, or nothing that can be read. Never fails. */
export async function get<T>(
  address: string,
  more: Record<string, string> = {},
  init?: RequestInit,
): Promise<T | null> {
  if (!address) return null;
  const answer = await fetch(`${address}&${new URLSearchParams(more)}`, init).catch(() => null);
  if (!answer?.ok) return null;
  return answer.json().then(
    (said) => said as T,
    () => null,
  );
}
