/** Where a switch has named every case: a case that is added later does not compile until it is handled. */
export function never(value: never): never {
  throw new Error(`Nobody handles ${JSON.stringify(value)}.`);
}
