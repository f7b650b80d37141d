// How what was found in documents is told, wherever it stands.

/** A score: fused ranks differ in the third digit only. As `patchbay run` prints it. */
export const scoreWords = (score: number): string => score.toFixed(3);

/** The name of a file in a path or an address, of Windows too. */
export const fileName = (path: string): string => path.split(/[/\\]/).pop() || path;
