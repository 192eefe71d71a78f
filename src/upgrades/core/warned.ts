import type { Execution, Warning } from './model.ts'
import { patch } from './patch.ts'

/** One warning of a kind, with what is known of it now; the same execution where that is told already. Pure. */
export function warned(execution: Execution, warning: Warning): Execution {
  const { warnings } = execution
  const at = warnings.findIndex(({ code }) => code === warning.code)
  if (at !== -1 && warnings[at]?.message === warning.message) return execution
  return patch(execution, { warnings: at === -1 ? [...warnings, warning] : warnings.with(at, warning) })
}
