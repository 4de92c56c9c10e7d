// What every Node server of the bench answers: the same data, schema and rows as servers/meaning.py.
import Database from 'better-sqlite3'
import { z } from 'zod'

export const GUARDED = process.env.BENCH_GUARDED === '1'
export const TOKEN = 'Bearer s3cret-token', ORIGIN = 'https://example.com'
export const FILE = process.env.BENCH_FILE, FILE_SIZE = 100 * 1024 * 1024
export const SMALL = { message: 'Hello, World!', ok: true, n: 42 }
export const SMALL_TEXT = JSON.stringify(SMALL)

const database = new Database(':memory:')
database.exec('create table items (id integer primary key, name text, price real, created text)')
const insert = database.prepare('insert into items values (?,?,?,?)')
for (let i = 1; i <= 200; i++) insert.run(i, `Item number ${i}`, i * 1.25, '2026-01-02T03:04:05Z')
const select = database.prepare('select id, name, price, created from items order by id limit 50')
export const rows = () => select.all()

const Line = z.object({ sku: z.string(), qty: z.number().int(), price: z.number() })
const Address = z.object({ street: z.string(), city: z.string(), zip: z.string(), country: z.string() })
export const Order = z.object({
  id: z.number().int(), name: z.string(), email: z.string(), active: z.boolean(), discount: z.number(),
  tags: z.array(z.string()), address: Address, lines: z.array(Line), note: z.string().nullish(),
})
export const created = (order) => ({
  id: order.id,
  name: order.name,
  total: Math.round(order.lines.reduce((sum, line) => sum + line.qty * line.price, 0) * 100) / 100,
  count: order.lines.length,
})

export function sseStream() {
  const encoder = new TextEncoder()
  let i = 0
  return new ReadableStream({
    pull(controller) {
      if (i < 100) controller.enqueue(encoder.encode(`data: {"i":${i++}}\n\n`))
      else controller.close()
    },
  })
}
