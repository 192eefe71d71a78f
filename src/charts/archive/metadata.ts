import semver from 'semver'
import { type ParseOptions, parse } from 'yaml'
import { z } from 'zod'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { helmYaml } from '../../infra/helm-yaml.ts'
import { chartNamePattern } from '../core/names.ts'
import { type ChartFault, invalidChart } from './faults.ts'
import { yamlText } from './yaml-text.ts'

const dependency = z.looseObject({ name: yamlText, version: yamlText.nullish(), alias: yamlText.nullish() })

const chartYaml = z.looseObject({
  apiVersion: z.enum(['v1', 'v2']),
  name: yamlText.pipe(z.string().regex(chartNamePattern, 'is not a chart name')),
  version: yamlText.pipe(z.string().refine((text) => semver.valid(text) !== null, 'is not a semantic version')),
  appVersion: yamlText.nullish(),
  kubeVersion: yamlText.nullish(),
  description: yamlText.nullish(),
  type: z.enum(['application', 'library', '']).nullish(),
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
  const parsed = chartYaml.safeParse(readExact(path, text))
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
  return mapOf(fault, path, text, {})
}

/** The same of metadata, with whole numbers as `bigint`: helm makes other texts of `1000` and `1e3`. */
const readExact = (path: string, text: string): object => mapOf('chart_yaml', path, text, { intAsBigInt: true })

function mapOf(fault: ChartFault, path: string, text: string, more: ParseOptions): JsonObject {
  const value = parseYaml(fault, path, text, more)
  if (value === null) return {}
  if (!isJsonObject(value)) throw invalidChart(fault, `${path} is not a map`)
  return value
}

function parseYaml(fault: ChartFault, path: string, text: string, more: ParseOptions): Json {
  try {
    return parse(text, { ...helmYaml, ...more })
  } catch {
    throw invalidChart(fault, `${path} is not valid YAML`)
  }
}

function oldRequirements(text: string | null): readonly z.infer<typeof dependency>[] {
  if (text === null) return []
  const parsed = z.looseObject({ dependencies: z.array(dependency).nullish() })
  const result = parsed.safeParse(readExact('requirements.yaml', text))
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
