/** Bytes in words: 12 B, 1.5 kB, 98.4 MB. As `size_in_words` in nodes/units.py. */
export function sizeInWords(count: number): string {
  if (count < 999.5) return `${Math.round(count)} B`;
  let [unit, amount] = ["kB", count / 1e3];
  for (const larger of ["MB", "GB"]) if (amount >= 999.5) [unit, amount] = [larger, amount / 1e3];
  const shown = amount < 99.95 ? amount.toFixed(1).replace(/\.0$/, "") : Math.round(amount).toLocaleString("en-US");
  return `${shown} ${unit}`;
}
