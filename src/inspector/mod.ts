export { type AnswerInspector, INSPECTOR_PATHS, inspectorOf } from './answers.ts'
export { CHALLENGE } from './guard.ts'
export type { InspectedHub } from './inspector.ts'
export type { InspectorOptions } from './options.ts'
