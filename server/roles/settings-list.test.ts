import { expect, test } from 'vitest'
import { readConfig } from '#server/platform/config/config.ts'
import { SETTINGS } from './settings-list.ts'

test('each setting is listed once, and says what it does to whoever is about to change it', () => {
  const names = SETTINGS.map(({ name }) => name)
  expect(names).toEqual([...new Set(names)])
  for (const { name, description } of SETTINGS) {
    expect([name, description]).toEqual([name, expect.stringMatching(/^[A-Z].{20,500}\.$/s)])
  }
})

test('a setting whose name tells its unit says the same one', () => {
  for (const { name, unit } of SETTINGS) {
    const told = /_(ms|seconds|minutes|hours|days)$/.exec(name)?.[1]
    if (told !== undefined) expect([name, unit]).toEqual([name, told])
  }
})

test('what the environment gives is no setting: no secret can be changed or read at the desk', () => {
  const environment = Object.keys(readConfig({ SALDO_MODE: 'sandbox' }))
  const last = SETTINGS.map(({ name }) => name.split('.').at(-1) ?? '')
  expect(last.filter((name) => environment.includes(name))).toEqual([])
})
