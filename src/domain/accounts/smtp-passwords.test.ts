import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { REGIONS } from './regions.ts'
import { legacySmtpPassword, regionOfPassword, smtpPassword, smtpPasswords } from './smtp-passwords.ts'

const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'

describe('SMTP passwords', () => {
  const vectors = {
    'us-east-1': 'BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9',
    'us-west-2': 'BF2PynzbSCAjX08zhZZnP/kW+T9P5zs/1Er0pi5vTEmd',
    'eu-west-1': 'BMW5RDrXmmVs0lV7GpI4oLkHXpZ4stDsk6q91z1g38Pk',
    'eu-central-1': 'BF0/eIJm0ruTHsSjOkRuOGzGF+zeSyE3aiRzrzUQ8LwG',
  }
  for (const [region, password] of Object.entries(vectors)) {
    test(`are derived as SES derives them for ${region}`, () => {
      assert.equal(smtpPassword(SECRET, region), password)
      assert.equal(regionOfPassword(SECRET, password), region)
    })
  }

  test('of before 2019 name no region, and work in the first', () => {
    assert.equal(legacySmtpPassword(SECRET), 'An60U4ZD3sd4fg+FvXUjayOipTt8LO4rUUmhpdX6ctDy')
    assert.equal(regionOfPassword(SECRET, legacySmtpPassword(SECRET)), 'us-east-1')
  })

  test('are told from anything else', () => {
    assert.equal(regionOfPassword(SECRET, SECRET), undefined)
    assert.equal(regionOfPassword(SECRET, ''), undefined)
    assert.equal(regionOfPassword(`${SECRET}x`, vectors['us-east-1']), undefined)
  })

  test('there is one for each known region', () => {
    const passwords = smtpPasswords(SECRET)
    assert.deepEqual(Object.keys(passwords), [...REGIONS])
    for (const [region, password] of Object.entries(passwords)) assert.equal(regionOfPassword(SECRET, password), region)
  })
})
