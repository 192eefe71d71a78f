import { FairSlots } from './fair-slots.ts'
import type { Helm, Rendered, TemplateContext, TemplateSpec } from './types.ts'

/**
 * The same helm with at most so many renderings at once, half of them for one tenant; further ones wait their turn, round
 * robin over tenants. Each is a process of up to 100 MB, and it is callers of the API who start them.
 */
export function limitTemplates(helm: Helm, most: number): Helm {
  const slots = new FairSlots(most, Math.ceil(most / 2))
  const template = async (spec: TemplateSpec, context: TemplateContext): Promise<Rendered> => {
    const share = context.tenantId
    await slots.enter(share)
    try {
      return await helm.template(spec, context)
    } finally {
      slots.leave(share)
    }
  }
  return {
    install: (spec, context) => helm.install(spec, context),
    upgrade: (spec, context) => helm.upgrade(spec, context),
    rollback: (spec, context) => helm.rollback(spec, context),
    uninstall: (spec, context) => helm.uninstall(spec, context),
    template,
    verify: (spec) => helm.verify(spec),
  }
}
