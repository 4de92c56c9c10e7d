export async function GET(request, { params }) {
  const { id } = await params
  const query = request.nextUrl.searchParams
  return Response.json({ id: Number(id), q: query.get('q'), limit: Number(query.get('limit')) })
}
