// Clients of one codec: publishers that keep messages in flight until they are acknowledged, and subscribers.
import { flatbuffers } from '../adapters/flatbuffers/mod.ts'
import { type Codec, type EncodedEnvelope, jsonCodec, type Payload } from '../src/protocol/mod.ts'
import { PAYLOAD } from './support/messages.ts'
import { expose } from './support/remote.ts'

/** What the messages are: 100 bytes of JSON, or 1,024 bytes that are bytes, stored or not. */
export type Content = 'text' | 'bytes' | 'ephemeral bytes'

const ROOM = 'codecs'
const TYPES: Record<Content, string> = {
  text: 'chat.message',
  bytes: 'file.chunk',
  'ephemeral bytes': 'file.part',
}
const BYTES = Uint8Array.from({ length: 1_024 }, (_, i) => i * 31)

/** What is published, how and to how many. */
export interface PublishLoad {
  readonly content: Content
  readonly publishers: number
  readonly inFlight: number
  /** Send all that may be in flight as one frame, and the next one when it is acknowledged. Default false. */
  readonly inBursts?: boolean
  readonly subscribers: number
  readonly messages: number
}

interface Load extends PublishLoad {
  readonly port: number
  readonly codec: 'json' | 'flatbuffers'
}

async function open(port: number, codec: Codec): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, [codec.subprotocol])
  socket.binaryType = 'arraybuffer'
  await new Promise<void>((resolve, reject) => {
    // The first frame is the welcome.
    socket.onmessage = () => resolve()
    socket.onerror = () => reject(new Error(`No connection at port ${port}.`))
  })
  return socket
}

const commands = {
  /** Publishes so many messages; resolves when all are acknowledged and every subscriber has them all. */
  async run(
    { port, codec: name, content, publishers, inFlight, inBursts = false, subscribers, messages }: Load,
  ): Promise<void> {
    const codec = name === 'json' ? jsonCodec : flatbuffers
    const type = TYPES[content]
    const payload: Payload = content === 'text' ? PAYLOAD : BYTES
    const read = (data: unknown) => codec.decode(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer))
    const sockets = await Promise.all(Array.from({ length: publishers + subscribers }, () => open(port, codec)))
    const readers = sockets.slice(publishers)
    const join = codec.encode([{ type: 'room.join', room: ROOM, payload: '{}' }]) as Uint8Array<ArrayBuffer>
    await Promise.all(readers.map((socket) =>
      new Promise<void>((resolve) => {
        socket.onmessage = () => resolve()
        socket.send(join)
      })
    ))
    const received = readers.map((socket) =>
      new Promise<void>((resolve) => {
        let count = 0
        socket.onmessage = ({ data }) => {
          for (const { envelope } of read(data)) if (envelope?.type === type && ++count === messages) resolve()
        }
      })
    )
    let sent = 0
    const run = crypto.randomUUID()
    const acked = sockets.slice(0, publishers).map((socket) =>
      new Promise<void>((resolve, reject) => {
        let waiting = 0
        const publish = () => {
          const batch: EncodedEnvelope[] = []
          for (; waiting < inFlight && sent < messages; waiting++) {
            const ref = String(++sent)
            batch.push({ type, room: ROOM, ref, key: `${run}:${ref}`, payload })
          }
          for (const frame of inBursts && batch.length > 0 ? [batch] : batch.map((envelope) => [envelope])) {
            socket.send(codec.encode(frame) as Uint8Array<ArrayBuffer>)
          }
          if (waiting === 0) resolve()
        }
        socket.onmessage = ({ data }) => {
          for (const { envelope } of read(data)) {
            if (envelope?.type === 'error') reject(new Error(JSON.stringify(envelope.payload)))
            if (envelope?.type === 'ack') waiting -= 1
          }
          if (!inBursts || waiting === 0) publish()
        }
        publish()
      })
    )
    await Promise.all([...acked, ...received])
    for (const socket of sockets) socket.close()
  },
}
export type CodecLoadCommands = typeof commands
expose(commands)
