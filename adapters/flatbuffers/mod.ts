/**
 * Rotunda's binary protocol: a codec for hubs and clients, and frames for tools. The format is `rotunda.fbs`, beside
 * this file.
 */
export { DEFAULT_TYPE, flatbuffers, FLATBUFFERS_SUBPROTOCOL } from './codec.ts'
export { buildBroadcast, buildEmpty, buildFrame, buildPublish, buildSend, readFrame } from './frames.ts'
export type { EventFrameOptions, FrameMessage, FrameOptions } from './frames.ts'
