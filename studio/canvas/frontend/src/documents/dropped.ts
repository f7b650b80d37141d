// Files that a person brings, and those in folders among them, by their paths in what was dropped.

export interface Brought {
  /** The name, or the path from the folder that was dropped. */
  name: string;
  file: File;
}

/** More than this is not looked for: it is a disk that was dropped, not a folder of documents. */
const MOST = 2000;

/** What a drop holds. To be called while the event is handled; the browser forgets the rest. */
export function filesOf(transfer: DataTransfer): Promise<Brought[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (entries.every((entry) => !entry?.isDirectory)) return Promise.resolve(namedFiles(transfer.files));
  return walk(entries.filter((entry) => entry !== null));
}

/** Files that were chosen in a dialog. */
export const namedFiles = (files: ArrayLike<File>): Brought[] =>
  Array.from(files).map((file) => ({ name: file.webkitRelativePath || file.name, file }));

async function walk(entries: FileSystemEntry[]): Promise<Brought[]> {
  const found: Brought[] = [];
  const left = [...entries];
  while (left.length && found.length < MOST) {
    const entry = left.shift()!;
    if (entry.name.startsWith(".")) continue; // what systems leave in folders
    const name = entry.fullPath.replace(/^\//, "");
    if (entry.isFile) found.push({ name, file: await fileOf(entry as FileSystemFileEntry) });
    else left.push(...(await allOf(entry as FileSystemDirectoryEntry)));
  }
  return found;
}

const fileOf = (entry: FileSystemFileEntry): Promise<File> => new Promise((done, fail) => entry.file(done, fail));

/** A folder's entries; a reader gives a hundred at a time. */
async function allOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return all;
    all.push(...some);
  }
}
