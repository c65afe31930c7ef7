export { Random } from '../conformance/random.ts'
