/** A payload as it is stored and sent: the JSON text of a value, or bytes that stay bytes. */
export type Payload = string | Uint8Array
