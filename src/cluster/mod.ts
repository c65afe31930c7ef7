export type { Broker } from './broker.ts'
export { inProcessBroker } from './in_process_broker.ts'
