import semver from 'semver'
import { parse } from 'yaml'
import { z } from 'zod'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { isText } from '../../core/text.ts'
import { helmYaml } from '../../infra/helm-yaml.ts'
import { chartNamePattern } from '../core/names.ts'
import { type ChartFault, invalidChart } from './faults.ts'

/** What Flotilla stores of it must be text: YAML can write NUL and halves of characters. */
const text = z.string().refine(isText, 'has characters that are no text')

const dependency = z.looseObject({ name: z.string(), version: z.string().optional(), alias: z.string().optional() })

const chartYaml = z.looseObject({
  apiVersion: z.enum(['v1', 'v2']),
  name: z.string().regex(chartNamePattern, 'is not a chart name'),
  version: z.string().refine((text) => semver.valid(text) !== null, 'is not a semantic version'),
  appVersion: text.optional(),
  kubeVersion: text.optional(),
  description: text.optional(),
  type: z.enum(['application', 'library', '']).optional(),
  dependencies: z.array(dependency).nullish(),
})

/** What a `Chart.yaml` says, as far as Flotilla uses it. */
export type ChartMetadata = {
  readonly apiVersion: 'v1' | 'v2'
  readonly name: string
  readonly version: string
  readonly appVersion: string | null
  readonly kubeVersion: string | null
  readonly description: string | null
  readonly type: 'application' | 'library'
  readonly dependencies: readonly Dependency[]
}
export type Dependency = { readonly name: string; readonly version: string | null; readonly alias: string | null }

/** Parses and checks a `Chart.yaml`; `requirements` is the `requirements.yaml` of an old chart. Throws `chart_invalid`. */
export function readMetadata(path: string, text: string, requirements: string | null): ChartMetadata {
  const parsed = chartYaml.safeParse(readYaml('chart_yaml', path, text))
  if (!parsed.success) throw invalidChart('chart_yaml', `${path}: ${firstIssue(parsed.error)}`)
  const { apiVersion, name, version, type, dependencies } = parsed.data
  return {
    apiVersion,
    name,
    version,
    appVersion: parsed.data.appVersion ?? null,
    kubeVersion: parsed.data.kubeVersion ?? null,
    description: parsed.data.description ?? null,
    type: type === 'library' ? 'library' : 'application',
    dependencies: [...(dependencies ?? []), ...oldRequirements(requirements)].map(toDependency),
  }
}

/** The top level of a YAML file that must be a map; an empty file is an empty map. Throws `chart_invalid`. */
export function readYaml(fault: ChartFault, path: string, text: string): JsonObject {
  const value = parseYaml(fault, path, text)
  if (value === null) return {}
  if (!isJsonObject(value)) throw invalidChart(fault, `${path} is not a map`)
  return value
}

function parseYaml(fault: ChartFault, path: string, text: string): Json {
  try {
    return parse(text, helmYaml)
  } catch {
    throw invalidChart(fault, `${path} is not valid YAML`)
  }
}

function oldRequirements(text: string | null): readonly z.infer<typeof dependency>[] {
  if (text === null) return []
  const parsed = z.looseObject({ dependencies: z.array(dependency).nullish() })
  const result = parsed.safeParse(readYaml('chart_yaml', 'requirements.yaml', text))
  if (!result.success) throw invalidChart('chart_yaml', `requirements.yaml: ${firstIssue(result.error)}`)
  return result.data.dependencies ?? []
}

const toDependency = ({ name, version, alias }: z.infer<typeof dependency>): Dependency => ({
  name,
  version: version ?? null,
  alias: alias ?? null,
})

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0]
  return `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'not valid'}`
}
