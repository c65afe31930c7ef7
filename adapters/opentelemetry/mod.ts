/**
 * Traces of rotunda's messages through the OpenTelemetry API.
 *
 * @module
 */
export { openTelemetry } from './open_telemetry.ts'
export type { OpenTelemetryOptions } from './open_telemetry.ts'
