import type { Helm, Rendered, TemplateContext, TemplateSpec } from './types.ts'

/**
 * The same helm with at most so many renderings at once; further ones wait their turn, in order. Each is a process of up
 * to 100 MB, and it is callers of the API who start them.
 */
export function limitTemplates(helm: Helm, most: number): Helm {
  let running = 0
  const waiting: (() => void)[] = []
  const enter = async () => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
  }
  const leave = () => {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }
  const template = async (spec: TemplateSpec, context: TemplateContext): Promise<Rendered> => {
    await enter()
    try {
      return await helm.template(spec, context)
    } finally {
      leave()
    }
  }
  return {
    install: (spec, context) => helm.install(spec, context),
    upgrade: (spec, context) => helm.upgrade(spec, context),
    rollback: (spec, context) => helm.rollback(spec, context),
    uninstall: (spec, context) => helm.uninstall(spec, context),
    template,
  }
}
