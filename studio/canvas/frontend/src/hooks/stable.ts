import { useCallback, useRef } from "react";

/** A callback that stays the same object and does what the newest one does: for a new one, React Flow draws everything again. */
export function useStable<A extends unknown[], R>(callback: (...args: A) => R): (...args: A) => R {
  const newest = useRef(callback);
  newest.current = callback;
  return useCallback((...args: A) => newest.current(...args), []);
}
