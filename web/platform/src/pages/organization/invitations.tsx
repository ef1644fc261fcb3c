import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="invitations" />;

export default Page;
