#!/usr/bin/env bash
# Guess: a client that is given an API key sends it with everything it asks, and tells when an answer is refused.
# What happens: before each prediction the client asks `/api/v1/chatflows-streaming/ID` whether it can stream, and sends no key
# there. A server or gateway that wants the key everywhere answers 401; the client takes that for "does not stream" and gives,
# for `streaming: true`, the whole answer instead of something to loop over: `for await` ends in a TypeError. And without
# streaming no status is looked at: the body of a 401 is given back as if it were the answer.
# Seen with flowise-sdk 1.0.9 on Node 20 on 2026-11-29.
# Why it matters: whoever serves flows to clients of Flowise must leave that one address open, or nobody's chat streams; whoever
# calls with this client must look for an error in each answer.
# It needs Node 18 or newer with npm.
source "$(dirname "$0")/_env.sh"
npm install --silent --no-audit --no-fund --prefix "$HERE" flowise-sdk@1.0.9 >/dev/null
cat >"$HERE/ask.cjs" <<'JS'
const http = require('http');
const { FlowiseClient } = require('flowise-sdk');
const { version } = require('flowise-sdk/package.json');

const asked = [];
let open = false; // whether the question about streaming is answered without a key
const server = http.createServer((request, response) => {
  const key = request.headers.authorization ?? 'no key';
  const about = request.url.split('/')[3];
  asked.push(`${about}: ${key}`);
  request.on('data', () => {});
  request.on('end', () => {
    const json = (status, body) => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (key !== 'Bearer right' && !(open && about === 'chatflows-streaming')) return json(401, { message: 'Unauthorized' });
    if (about === 'chatflows-streaming') return json(200, { isStreaming: true });
    if (!open) return json(200, { text: 'hello' });
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.end('data:{"event":"token","data":"hello"}\n\n');
  });
});

server.listen(0, '127.0.0.1', async () => {
  const baseUrl = `http://127.0.0.1:${server.address().port}`;
  const client = new FlowiseClient({ baseUrl, apiKey: 'right' });
  const question = { chatflowId: '1', question: 'Hello?', streaming: true };
  const streamed = async () => {
    const said = [];
    try {
      for await (const event of await client.createPrediction(question)) said.push(event.data);
    } catch (error) {
      return error.constructor.name;
    }
    return said.join('');
  };
  const seen = { 'key wanted everywhere': await streamed() };
  seen.asked = [...asked];
  open = true;
  seen['that one address open'] = await streamed();
  open = false;
  const wrong = new FlowiseClient({ baseUrl, apiKey: 'wrong' });
  seen['answer to a wrong key'] = await wrong.createPrediction({ ...question, streaming: false });
  console.log('flowise-sdk', version, 'node', process.version, seen);
  server.close();
  const wanted = {
    'key wanted everywhere': 'TypeError',
    asked: ['chatflows-streaming: no key', 'prediction: Bearer right'],
    'that one address open': 'hello',
    'answer to a wrong key': { message: 'Unauthorized' },
  };
  process.exitCode = JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1;
});
JS
node "$HERE/ask.cjs"
