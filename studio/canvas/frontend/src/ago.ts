const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** How long ago a Unix time was, in seconds: just now, 5 min ago, 3 h ago, or the date. As `ago` in nodes/units.py. */
export function ago(at: number, now = Date.now() / 1000): string {
  const passed = now - at;
  if (passed < 60) return "just now";
  if (passed < 3600) return `${Math.floor(passed / 60)} min ago`;
  if (passed < 86400) return `${Math.floor(passed / 3600)} h ago`;
  return date(at);
}

/** A Unix time as people here write it: 3 Nov 2026, 14:05:09. As `date` in nodes/units.py. */
export function date(at: number, clock = false): string {
  const then = new Date(at * 1000);
  const words = `${then.getDate()} ${MONTHS[then.getMonth()]} ${then.getFullYear()}`;
  const two = (part: number) => String(part).padStart(2, "0");
  return clock ? `${words}, ${[then.getHours(), then.getMinutes(), then.getSeconds()].map(two).join(":")}` : words;
}
