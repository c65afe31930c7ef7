// What a page does with encryption, bundled for a browser.
import { chat } from '../../../examples/chat/protocol.ts'
import { encryption, importKey, roomKeys } from '../../../src/client/encryption/mod.ts'
import { createClient } from '../../../src/client/mod.ts'

/** Joins with a key that was in IndexedDB, answers the first message, and gives what it heard. */
async function takePart(url: string, text: string): Promise<string[]> {
  const key = await kept(await importKey(text))
  const client = createClient({ url, protocol: chat })
  const room = client.join('secret-1', { last: 10, cipher: encryption(roomKeys({ current: 'k1', keys: { k1: key } })) })
  const heard = new Promise<string[]>((resolve, reject) => {
    const texts: string[] = []
    room.onError(reject)
    room.on('chat.message', (m) => {
      if (texts.push(`${m.seq} ${m.payload.user}: ${m.payload.text}`) === 2) resolve(texts)
    })
  })
  await room.publish('chat.message', { user: 'page', text: 'I am in a browser' })
  return await heard.finally(() => client.close())
}

/** The key after it was stored and read again. */
function kept(key: CryptoKey): Promise<CryptoKey> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('keys', 1)
    opening.onerror = () => reject(opening.error)
    opening.onupgradeneeded = () => void opening.result.createObjectStore('keys')
    opening.onsuccess = () => {
      const database = opening.result
      database.transaction('keys', 'readwrite').objectStore('keys').put(key, 'k1')
      const reading = database.transaction('keys').objectStore('keys').get('k1')
      reading.onsuccess = () => resolve(reading.result as CryptoKey)
      reading.onerror = () => reject(reading.error)
    }
  })
}

/** What a page without WebCrypto is told. */
function refusal(text: string): string {
  try {
    roomKeys({ current: 'k1', keys: { k1: text } })
    return 'none'
  } catch (error) {
    return String(error)
  }
}

Object.assign(globalThis, { takePart, refusal })
