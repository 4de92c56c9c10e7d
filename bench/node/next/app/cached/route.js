import { SMALL } from '../../../meaning.mjs'

export const dynamic = 'force-static'

export async function GET() {
  return Response.json(SMALL)
}
