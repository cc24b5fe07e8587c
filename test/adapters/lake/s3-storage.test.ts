/** The lake's storage in a bucket of an S3 server. */
import { openStorage } from '../../../adapters/lake/storage';
import { freshS3 } from '../../helpers/s3';
import { storageContract } from './storage-contract';

let place: ReturnType<typeof freshS3>;
beforeEach(() => (place = freshS3()));

const open = () => openStorage(place);

storageContract(open);
