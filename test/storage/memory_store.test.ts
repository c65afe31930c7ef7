import { memoryStore } from '../../src/storage/mod.ts'
import { storeConformance } from '../conformance/mod.ts'

const fixture = () => Promise.resolve({ open: () => Promise.resolve(memoryStore()), remove: () => Promise.resolve() })

storeConformance('memory store', fixture, { shared: false })
