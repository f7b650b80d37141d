// How long the view takes to move: no time at all for people who asked their system for less motion.

const still = (): boolean => globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false;

/** Milliseconds of a movement of the view. */
export const motion = (duration: number): { duration: number } => ({ duration: still() ? 0 : duration });
