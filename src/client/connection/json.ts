import type { Codec, Decoded } from '../../protocol/codec.ts'

/**
 * JSON text frames as a client needs them. Not the protocol's own codec, which is for what strangers send: it checks
 * every field, in more bytes than all of a client's wire has.
 */
/** What a client needs of a codec. */
export type ClientCodec = Omit<Codec, 'name'>

export const json: ClientCodec = {
  subprotocol: 'rotunda.v1.json',
  encode(batch) {
    const texts = batch.map(({ payload, ...fields }) => {
      // The payload is put in as it is where it is JSON already.
      const rest = typeof payload === 'string' ? payload : `"${toBase64(payload)}","encoding":"base64"`
      return `${JSON.stringify(fields).slice(0, -1)},"payload":${rest}}`
    })
    return texts[1] ? `[${texts.join()}]` : texts[0]!
  },
  decode(frame): Decoded[] {
    try {
      // What is not an envelope is left out, since servers may send text of their own.
      const envelopes = [JSON.parse(frame as string)].flat().filter((item) => item?.type)
      envelopes.forEach(unpack)
      return envelopes.map((envelope) => ({ envelope }))
    } catch {
      return []
    }
  },
}

/** Makes a payload that stands for bytes these bytes, in an envelope that JSON was parsed into. */
export function unpack(envelope: { payload: unknown; encoding?: unknown }): void {
  if (!envelope.encoding) return
  envelope.payload = Uint8Array.from(atob(envelope.payload as string), (character) => character.charCodeAt(0))
  delete envelope.encoding
}

function toBase64(bytes: Uint8Array): string {
  return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ''))
}
