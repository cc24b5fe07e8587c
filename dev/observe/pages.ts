import { DETAILS } from './details';
import { OVERVIEW } from './overview';

export const PAGES = [OVERVIEW, DETAILS];
