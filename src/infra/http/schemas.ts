import { z } from 'zod'
import { type ErrorCode, problemCatalogue } from '../../core/problems.ts'

/** A UUID; upper case is accepted and made lower. */
export const uuid = z.uuid().toLowerCase()

/** A moment in RFC 3339, UTC, as answers carry it. */
export const time = z.iso.datetime()

/** A moment as callers may send it: any offset. */
export const timeInput = z.iso.datetime({ offset: true })

/** Path parameters of everything that has an id. */
export const idParams = z.strictObject({ id: uuid })

const codes = Object.keys(problemCatalogue) as [ErrorCode, ...ErrorCode[]]

/** RFC 9457 with `code` and, for wrong input, `errors`. Some codes carry further members. */
export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    instance: z.string(),
    code: z.enum(codes),
    errors: z.array(z.strictObject({ pointer: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details. `code` is the stable name of the error.' })
