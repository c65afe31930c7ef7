/**
 * SHA-1 (FIPS 180-4). RFC 6455 wants it of nothing secret; WebCrypto's is asynchronous and missing from pages without
 * TLS.
 */
export function sha1(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array((bytes.length + 8 >> 6) + 1 << 6)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 0x2000_0000))
  view.setUint32(padded.length - 4, bytes.length << 3)
  const state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0]
  const words = new Int32Array(80)
  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 16; i++) words[i] = view.getInt32(block + i * 4)
    for (let i = 16; i < 80; i++) {
      words[i] = rotate(words[i - 3]! ^ words[i - 8]! ^ words[i - 14]! ^ words[i - 16]!, 1)
    }
    addBlock(state, words)
  }
  const digest = new DataView(new ArrayBuffer(20))
  state.forEach((word, i) => digest.setInt32(i * 4, word))
  return new Uint8Array(digest.buffer)
}

function addBlock(state: number[], words: Int32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0] = state
  for (let i = 0; i < 80; i++) {
    const next = rotate(a, 5) + round(i, b, c, d) + e + words[i]! | 0
    e = d
    d = c
    c = rotate(b, 30)
    b = a
    a = next
  }
  for (const [i, word] of [a, b, c, d, e].entries()) state[i] = state[i]! + word | 0
}

function round(i: number, b: number, c: number, d: number): number {
  if (i < 20) return (b & c | ~b & d) + 0x5a827999
  if (i < 40) return (b ^ c ^ d) + 0x6ed9eba1
  if (i < 60) return (b & c | b & d | c & d) + 0x8f1bbcdc
  return (b ^ c ^ d) + 0xca62c1d6
}

function rotate(word: number, by: number): number {
  return word << by | word >>> 32 - by
}
