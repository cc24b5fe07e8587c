/** What an operator does who means it: the lake is to be taken as it stands, whatever was landed before. */
import { WORKFLOWS } from './names';

const { id } = WORKFLOWS.landOrders;

/** Two commands: a landing that runs, if only to retry, has to end first. */
export const BEGIN_ANEW =
  'Or, if it is meant so, land what Kafka still holds into the lake as it stands (files that no entry lists are put into its ' +
  `_aside): temporal workflow terminate --workflow-id ${id} ; npm run orders -- start --accept-lake`;
