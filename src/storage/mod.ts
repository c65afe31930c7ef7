export { formatId, parseId } from './store.ts'
export type { Appended, AppendMessage, ListedRoom, MessageStore, RoomExtent, StoredMessage } from './store.ts'
export { memoryStore } from './memory_store.ts'
