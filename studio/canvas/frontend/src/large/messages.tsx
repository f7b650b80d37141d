// What was said, message by message, with its Markdown and its pictures.

import { wordsElement, type Part } from "../live/words";
import { Drawn } from "./drawn";
import { Picture } from "./picture";

interface Message {
  role: string;
  content: string;
  pictures?: { media: string; data: string; alt?: string }[];
}
/** What a browser draws as pixels and nothing else. */
const RASTER = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** `parts`: the Markdown of each message, as Python parsed it. */
export function Messages({ messages, parts }: { messages: Message[]; parts?: Part[][] }) {
  return (
    <div className="pb-messages">
      {messages.map((message, i) => (
        <section key={i} className={message.role}>
          <b>{message.role}</b>
          {parts?.[i] ? (
            <Drawn className="pb-written" draw={() => wordsElement(parts[i])} of={parts[i]} />
          ) : (
            <pre>{message.content}</pre>
          )}
          {message.pictures?.map((picture, n) => (
            <Picture key={n} value={picture} unfit={RASTER.includes(picture.media) ? undefined : picture.media} />
          ))}
        </section>
      ))}
    </div>
  );
}
