/** The data of an answer of Prometheus' API; its own words where it refuses. */
export async function askPrometheus<T>(url: string): Promise<T> {
  const { error, data } = (await (await fetch(url)).json()) as { error?: string; data?: T };
  if (data === undefined) throw new Error(`${url}: ${error}`);
  return data;
}
