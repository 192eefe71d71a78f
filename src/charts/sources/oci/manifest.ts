import semver from 'semver'
import { z } from 'zod'
import { chartLimits } from '../../archive/limits.ts'

/** The media types of a Helm chart in a registry. */
export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.cncf.helm.config.v1+json',
  /** The second one is what helm wrote before 3.7. */
  provenance: 'application/vnd.cncf.helm.chart.provenance.v1.prov',
  cosign: 'application/vnd.dev.cosign.simplesigning.v1+json',
  content: ['application/vnd.cncf.helm.chart.content.v1.tar+gzip', 'application/tar+gzip'],
} as const

/** Where the archive of a chart is. `digest` is its SHA-256 in hexadecimal. */
export type ChartLayer = { readonly digest: string; readonly size: number }

const descriptor = z.looseObject({
  mediaType: z.string(),
  digest: z.string().regex(/^sha256:[a-f0-9]{64}$/),
  size: z.int().min(0),
})
const manifest = z.looseObject({
  schemaVersion: z.literal(2),
  config: z.looseObject({ mediaType: z.string() }),
  layers: z.array(z.looseObject({ mediaType: z.string() })).max(100),
})

/** Why a manifest is not that of a chart, in words that quote nothing of it. */
export type ManifestFault = { readonly reason: 'not_a_chart' | 'packed_too_large'; readonly fault: string }
const notAChart = (fault: string): ManifestFault => ({ reason: 'not_a_chart', fault })

/** The one layer of a manifest that is a chart. */
export function chartLayer(body: Buffer): ChartLayer | ManifestFault {
  const parsed = manifest.safeParse(parseJson(body))
  if (!parsed.success) return notAChart('its manifest is not that of an image')
  const { config, layers } = parsed.data
  if (config.mediaType !== mediaTypes.config) return notAChart('its config is not that of a Helm chart')
  const charts = layers.filter(({ mediaType }) => mediaTypes.content.some((type) => type === mediaType))
  if (charts.length !== 1) return notAChart(`${charts.length} of its layers are a Helm chart`)
  const layer = descriptor.safeParse(charts[0])
  if (!layer.success) return notAChart('the layer of its chart has no SHA-256 or no size')
  const { digest, size } = layer.data
  if (size > chartLimits.packedBytes) {
    return { reason: 'packed_too_large', fault: 'a packaged chart may have at most 10 MiB' }
  }
  return { digest: digest.slice('sha256:'.length), size }
}

/** The provenance that a manifest names beside its chart; null when it names none. */
export function provenanceLayer(body: Buffer): ChartLayer | null {
  const [layer] = layersOf(body, mediaTypes.provenance)
  return layer === undefined ? null : layer
}

const cosignAnnotation = 'dev.cosignproject.cosign/signature'

/** A signature of cosign, and where what it signs is. */
export type CosignLayer = ChartLayer & { readonly signature: Buffer }

/** The signatures that a manifest of cosign holds. */
export const cosignLayers = (body: Buffer): readonly CosignLayer[] =>
  layersOf(body, mediaTypes.cosign).flatMap(({ annotations, ...layer }) => {
    const text = annotations[cosignAnnotation]
    return text === undefined ? [] : [{ ...layer, signature: Buffer.from(text, 'base64') }]
  })

const annotated = descriptor.extend({ annotations: z.record(z.string(), z.string()).default({}) })

/** The layers of one media type, as far as they are described well. */
function layersOf(body: Buffer, mediaType: string) {
  const parsed = manifest.safeParse(parseJson(body))
  const layers = parsed.success ? parsed.data.layers.filter((layer) => layer.mediaType === mediaType) : []
  return layers.flatMap((layer) => {
    const { success, data } = annotated.safeParse(layer)
    const { digest = '', size = 0, annotations = {} } = data ?? {}
    return success ? [{ digest: digest.slice('sha256:'.length), size, annotations }] : []
  })
}

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return null
  }
}

const problems = z.looseObject({ errors: z.array(z.looseObject({ code: z.string() })).min(1) })

/** Whether a registry itself says that it does not have a thing: a 404 of anything else is no answer of a registry. */
export const saysUnknown = (body: Buffer): boolean => problems.safeParse(parseJson(body)).success

const tags = z.looseObject({ tags: z.array(z.string()).nullable() })
const catalog = z.looseObject({ repositories: z.array(z.string()).nullable() })

/** The tags of a page of a list. Throws when it is none. */
export const readTags = (body: Buffer): readonly string[] => tags.parse(parseJson(body)).tags ?? []

/** The repositories of a page of a catalogue. Throws when it is none. */
export const readRepositories = (body: Buffer): readonly string[] => catalog.parse(parseJson(body)).repositories ?? []

/** The tag of a version: tags have no `+`, for which helm writes `_`. Null when it cannot be one. */
export function tagOf(version: string): string | null {
  const tag = version.replaceAll('+', '_')
  return /^\w[\w.-]{0,127}$/.test(tag) && versionOf(tag) === version ? tag : null
}

/** The version of a tag; null for a tag that is not one of a chart, as `latest` or a signature. */
export function versionOf(tag: string): string | null {
  const version = tag.replaceAll('_', '+')
  return semver.valid(version) === null ? null : version
}
