import { type DefinitionSpec, storedVersion } from '../../resources/custom/kinds.ts'
import { types } from '../../resources/table.ts'
import { CLEANUP } from '../../store/garbage.ts'
import type { KubeObject } from '../../store/types.ts'
import { isTrue, withCondition } from '../conditions.ts'
import { type Decision, NOTHING } from '../decision.ts'
import type { Condition } from '../model.ts'
import { type Controller, itself } from '../runtime/controller.ts'

/** Accepts the names of CustomResourceDefinitions and says that their kinds are served, which helm waits for. */
export const definitionController: Controller = {
  name: 'crd-controller',
  concerns: (change) => itself(change, types.customresourcedefinitions),
  decide({ name }, { store, now }) {
    const definition = store.get(types.customresourcedefinitions, '', name)
    if (definition === undefined || definition.metadata.deletionTimestamp !== undefined) return NOTHING
    const { conditions } = (definition.status ?? {}) as { readonly conditions?: readonly Condition[] }
    return isTrue(conditions, 'Established') ? NOTHING : established(definition, conditions, now())
  },
}

function established(definition: KubeObject, conditions: readonly Condition[] | undefined, now: number): Decision {
  const { names, ...spec } = definition.spec as DefinitionSpec
  const singular = names.singular ?? names.kind.toLowerCase()
  const accepted = { ...names, singular, listKind: `${names.kind}List` }
  const held = { ...definition, metadata: { ...definition.metadata, finalizers: [CLEANUP] } }
  const status = {
    acceptedNames: accepted,
    conditions: [NAMES, ESTABLISHED].reduce((all, each) => withCondition(all, each, now), conditions ?? []),
    storedVersions: [storedVersion({ names, ...spec })?.name ?? ''],
  }
  const type = types.customresourcedefinitions
  return {
    writes: [
      { kind: 'update', type, object: held },
      { kind: 'status', type, object: { ...held, status } },
    ],
  }
}

const NAMES = {
  type: 'NamesAccepted',
  status: 'True',
  reason: 'NoConflicts',
  message: 'no conflicts found',
} as const

const ESTABLISHED = {
  type: 'Established',
  status: 'True',
  reason: 'InitialNamesAccepted',
  message: 'the initial names have been accepted',
} as const
