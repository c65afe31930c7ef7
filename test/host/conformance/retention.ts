import assert from 'node:assert/strict'
import { openWay, SEED, WAYS } from '../../support/hosts/ways.ts'
import { Random } from '../../support/random.ts'
import type { HostName } from '../../support/spawn_server.ts'
import { once, range, says, Transcript } from '../../support/with_client.ts'
import { withExtras } from './extras.ts'
import { row, served } from './rows.ts'

/** What becomes of messages that are not kept, and of who has not read them. */
export function retention(host: HostName): void {
  row(host, 'retention', (test) => {
    const server = served(withExtras(host))

    for (const name of WAYS) {
      test(`L5 who was away too long is told what it missed, then gets the rest; the history ends there (${name})`, async () => {
        const way = await openWay(name, server().port, new Random(SEED))
        try {
          const { client } = way.connect()
          const room = `short-${name}`
          const member = client.join(room, { last: 0 })
          const heard = new Transcript(member)
          const writer = way.connect().client.join(room)
          await writer.publish('chat.message', says('1'))
          await heard.has(1)
          client.close()
          await Promise.all(range(2, 10).map((n) => writer.publish('chat.message', says(`${n}`))))
          for (let oldest = 1; oldest < 8;) {
            const response = await fetch(`${server().url}/rooms/${room}/history`)
            const { messages } = await response.json() as { messages: { seq: number }[] }
            oldest = messages.at(-1)!.seq
          }
          const gap = once(member.onGap.bind(member))
          client.connect()
          const [{ code, missed, cursor }] = await gap
          assert.deepEqual([code, missed, cursor], ['history_trimmed', { from: 2, to: 7 }, 7])
          await way.turn()
          await writer.publish('chat.message', says('11'))
          await heard.has(5)
          assert.deepEqual(heard.seqs, [1, 8, 9, 10, 11])
        } finally {
          await way.close()
        }
      })
    }
  })
}
