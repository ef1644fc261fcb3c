import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="accept-invitation" />;

export default Page;
