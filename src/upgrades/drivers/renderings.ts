import type { ErrorCode } from '../../core/problems.ts'
import { Problem } from '../../core/problems.ts'

/** Why a version cannot be had of a release. */
export type Refused = { readonly refusal: { readonly code: ErrorCode; readonly detail: string } }

/** What refuses to render is told; what does not answer is thrown, to be asked again. */
export async function renderedOrRefused<T extends object>(render: () => Promise<T>): Promise<T | Refused> {
  try {
    return await render()
  } catch (error) {
    if (error instanceof Problem && error.status < 500) return { refusal: { code: error.code, detail: error.message } }
    throw error
  }
}
