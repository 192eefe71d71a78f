import { expect, test } from 'vitest'
import { listAll } from './list.ts'
import type { Requester } from './request.ts'
import { resources } from './resources.ts'

const selection = { namespace: 'apps' }

/** A collection of two pages, and the paths that it was asked for. */
function twoPages() {
  const paths: string[] = []
  const send = async ({ path }: { readonly path: string }) => {
    paths.push(path)
    const following = path.includes('continue=') ? '' : 'more'
    return JSON.stringify({ metadata: { resourceVersion: '7', continue: following }, items: [{ kind: 'Pod' }] })
  }
  return { requester: { send } as unknown as Requester, paths }
}

test('all pages are read', async () => {
  const { requester, paths } = twoPages()
  expect((await listAll(requester, resources.pods, selection, 'json')).items).toHaveLength(2)
  expect(paths).toHaveLength(2)
})

test('where so many are enough no other page is asked for', async () => {
  const { requester, paths } = twoPages()
  const { items } = await listAll(requester, resources.pods, selection, 'json', { first: 100 })
  expect(items).toHaveLength(1)
  expect(paths).toEqual([expect.stringContaining('limit=100')])
})
