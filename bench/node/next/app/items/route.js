import { Order, created } from '../../../meaning.mjs'

export async function POST(request) {
  return Response.json(created(Order.parse(await request.json())), { status: 201 })
}
