/** A payload of exactly 100 bytes of JSON. */
export const PAYLOAD = JSON.stringify({
  user: 'Gaspard',
  text: 'Rooms that lose nothing. '.repeat(4).slice(0, 100 - 28),
})

/** The room that all subscribers of the fan-out are in. */
export const FAN_ROOM = 'africa'

if (PAYLOAD.length !== 100) throw new Error(`The payload has ${PAYLOAD.length} bytes, not 100.`)
