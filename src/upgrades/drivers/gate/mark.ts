import { hash } from 'node:crypto'
import { canonicalJson } from '../../../core/json.ts'
import { within, withoutMissing } from './json.ts'
import type { Workload } from './model.ts'

/** What tells a workload's present pod template from any other, also before a controller has seen it. Pure. */
export function markOf({ spec }: Pick<Workload, 'spec'>): string {
  return hash('sha256', canonicalJson(withoutMissing(within(spec, 'template'))), 'hex')
}
