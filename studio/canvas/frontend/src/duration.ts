/** Seconds in words: 0.044 s, 2.5 s, 12 s, 3 min 5 s, 2 h 10 min. As `duration` in nodes/units.py. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return seconds >= 0.0005 ? `${Number(seconds.toPrecision(2))} s` : "0 s";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
}
