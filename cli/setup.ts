import type { Client } from '@temporalio/client';
import { registerSearchAttributes } from '../adapters/temporal/search-attributes';
import { LastingFailure } from '../model/errors';
import { withClient } from './client';

/** `npm run orders -- setup`: prepares a Temporal namespace; what is there already stays as it is. */
export async function setup(): Promise<void> {
  await withClient(async (client) => {
    console.log(await setUpSearchAttributes(client));
  });
}

async function setUpSearchAttributes(client: Client): Promise<string> {
  const { namespace } = client.options;
  let added: string[];
  try {
    added = await registerSearchAttributes(
      client.connection as Required<typeof client.connection>,
      namespace,
    );
  } catch (error) {
    if (error instanceof LastingFailure) throw error;
    throw new Error(
      `Search attributes could not be registered in namespace ${namespace}: ${(error as Error).message}. Does it exist ` +
        `(temporal operator namespace create -n ${namespace}), and may this user register them? In Temporal Cloud they are ` +
        'registered by the account (tcld, Terraform or the Web UI). Without them the workflows run, but cannot be found by them.',
      { cause: error },
    );
  }
  return added.length === 0
    ? `search attributes: all registered already in namespace ${namespace}`
    : `search attributes: registered ${added.join(', ')} in namespace ${namespace}; running workflows set them within minutes`;
}
