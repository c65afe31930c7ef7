import { flatbuffers } from '../../adapters/flatbuffers/mod.ts'
import { jsonCodec } from '../../src/protocol/mod.ts'
import { codecConformance } from '../conformance/mod.ts'

codecConformance('json', jsonCodec)
codecConformance('flatbuffers', flatbuffers)
