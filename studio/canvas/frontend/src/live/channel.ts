// One web socket for each flow that the page shows, however many parts of the page listen to it.

import { Progress, newsIn } from "../progress";

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;
/** How long a socket outlives its last listener: a rerun takes a part of the page away and brings it back. */
const LINGER_MS = 3000;
/** The server's "not for you": asking again would not help. */
const REFUSED = 1008;

export class Channel {
  readonly progress = new Progress();
  private readonly listeners = new Set<() => void>();
  private socket: WebSocket | null = null;
  private wait = FIRST_WAIT_MS;
  private closed = false;

  constructor(
    private readonly url: string,
    private readonly onClose: () => void,
  ) {
    this.connect();
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
      setTimeout(() => this.listeners.size || this.close(), LINGER_MS);
    };
  }

  private connect(): void {
    if (this.closed) return;
    this.socket = new WebSocket(this.url);
    this.socket.onmessage = (event) => {
      this.wait = FIRST_WAIT_MS;
      for (const message of JSON.parse(String(event.data)) as unknown[]) {
        for (const news of newsIn(message)) this.progress.take(news);
      }
      this.listeners.forEach((listener) => listener());
    };
    this.socket.onclose = (event) => {
      if (this.closed || event.code === REFUSED) return;
      setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    };
  }

  private close(): void {
    if (this.closed) return;
    this.closed = true;
    this.onClose();
    this.socket?.close();
  }
}

const channels = new Map<string, Channel>();

export function channelAt(url: string): Channel {
  let found = channels.get(url);
  if (!found) channels.set(url, (found = new Channel(url, () => channels.delete(url))));
  return found;
}
