// The layout in a thread of its own: a large flow takes a while, and nothing on the page waits for it.

import { arrange } from "./arrange";

self.onmessage = (event: MessageEvent<Parameters<typeof arrange>>) => self.postMessage(arrange(...event.data));
